"""Every way in which a function of a user's may hold a module is followed, and no other."""

import functools
import types

import pytest
import torch
from torch import nn

from genprobe.encoding.reachable import reachable_modules

GLOBAL = nn.Linear(2, 3)
OTHER = nn.Linear(2, 3)
PLACE = types.ModuleType("place_of_models")
PLACE.net, PLACE.unused = GLOBAL, OTHER


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 3)
        self.hidden = [GLOBAL]

    def encode(self, x):
        return self.inner(x)


class Indirect(nn.Module):
    def forward(self, x):
        return self.step(x)

    def step(self, x):
        return GLOBAL(x)


class Wrapper:
    def __init__(self, net):
        self.parts = {"net": [net]}

    def encode(self, x):
        return self.parts["net"][0](x)

    def __call__(self, x):
        return self.encode(x)


class Slotted:
    __slots__ = ("net",)

    def __init__(self, net):
        self.net = net

    def encode(self, x):
        return self.net(x)


class Late:
    @property
    def net(self):
        return GLOBAL

    def encode(self, x):
        return self.net(x)


def names_global(x):
    return [GLOBAL(row) for row in x]


def names_global_of_module(x):
    return PLACE.net(x)


def calls_another(x):
    return names_global(x)


def by_default(x, net=GLOBAL, *, other=None):
    return net(x)


def closure():
    net = GLOBAL
    return lambda x: {"loc": net(x)}


@torch.no_grad()
def decorated(x):
    return GLOBAL(x)


@functools.lru_cache
def remembered(x):
    return GLOBAL(x)


def attribute(x):
    return attribute.net(x)


attribute.net = GLOBAL

WAYS = {
    "module": GLOBAL,
    "bound method": GLOBAL.forward,
    "method of a plain object": Wrapper(GLOBAL).encode,
    "plain object that is called": Wrapper(GLOBAL),
    "slots": Slotted(GLOBAL).encode,
    "property": Late().encode,
    "closure": closure(),
    "global": names_global,
    "global of another file": names_global_of_module,
    "function that calls another": calls_another,
    "default": by_default,
    "partial": functools.partial(lambda net, x: net(x), GLOBAL),
    "partial by keyword": functools.partial(lambda x, net: net(x), net=GLOBAL),
    "decorated": decorated,
    "cached": remembered,
    "attribute": attribute,
    "dictionary": {"encode": closure()},
    "namespace": types.SimpleNamespace(net=GLOBAL),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_module_is_found_in_whatever_way_a_function_holds_it(way):
    assert reachable_modules(WAYS[way]) == (GLOBAL,)


def test_a_module_in_a_plain_list_of_another_is_found():
    net = Net()
    assert reachable_modules(net.encode) == (net, GLOBAL)


def test_a_global_that_only_a_method_of_a_module_names_is_found():
    net = Indirect()
    outer = nn.Sequential(net)
    assert reachable_modules(net) == (net, GLOBAL)
    assert reachable_modules(outer) == (outer, GLOBAL)
    assert reachable_modules(lambda x: net.step(x)) == (net, GLOBAL)


def test_only_the_outermost_modules_are_named_and_each_once():
    net = Net()
    assert reachable_modules(net.inner, net.encode, net, None) == (net, GLOBAL)


def test_an_attribute_that_has_the_name_of_a_global_does_not_reach_it():
    source = types.SimpleNamespace(OTHER=GLOBAL)
    assert reachable_modules(lambda x: source.OTHER(x)) == (GLOBAL,)


def test_things_that_refer_to_each_other_end():
    net = Net()
    net.hidden.append(net.hidden)
    first, second = Wrapper(net), Wrapper(GLOBAL)
    first.other, second.other = second, first
    assert reachable_modules(first) == (net, GLOBAL)


def test_what_comes_with_torch_and_python_is_not_looked_into():
    assert reachable_modules(torch.relu, torch.nn.functional.relu, functools.reduce, len) == ()


def test_an_assertion_in_a_test_does_not_lead_to_what_other_tests_hold(request):
    request.config.held_by_another_test = GLOBAL

    def encode(x):
        assert len(x) < 9, "the words of which pytest looks up in itself"
        return x

    try:
        assert reachable_modules(encode) == ()
    finally:
        del request.config.held_by_another_test


@pytest.mark.parametrize("library", ["einx.api", "einops.packing", "loguru._logger"])
def test_what_libraries_of_tensors_have_compiled_is_not_looked_into(library):
    compiled = {"kept": [nn.Linear(2, 2)]}

    def operation():
        return compiled

    assert reachable_modules(operation) != ()
    operation.__module__ = library
    assert reachable_modules(operation) == ()
