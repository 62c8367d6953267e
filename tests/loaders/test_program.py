import contextlib
import io
import json
import os
import zipfile

import pytest
import torch

from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.program import read_program
from genprobe.loaders.program_schema import VERSIONS

X = torch.rand(5, 1, 4, 4)
GRAPH = "models/model.json"
CONSTANTS = "data/constants/model_constants_config.json"
WEIGHTS = "data/weights/model_weights_config.json"


@pytest.mark.parametrize("batch", [1, 2, 5, 9])
def test_it_says_what_the_module_says_at_any_batch_size(original, batch):
    path, network = original
    x = torch.rand(batch, 1, 4, 4)
    for found, truth in zip(read_program(path)(x), network(x), strict=True):
        assert torch.equal(found, truth)


def test_it_runs_in_float64(original):
    path, network = original
    program = read_program(path).double()
    for found, truth in zip(program(X.double()), network.double()(X.double()), strict=True):
        assert found.dtype == torch.float64
        assert torch.allclose(found, truth, rtol=1e-12, atol=1e-14)
    network.float()


def test_gradients_reach_the_input(original):
    path, network = original
    gradients = []
    for module in (read_program(path), network):
        x = X.clone().requires_grad_()
        torch.cat([part.flatten() for part in module(x)]).square().sum().backward()
        gradients.append(x.grad)
    assert gradients[0].abs().sum() > 0
    assert torch.allclose(*gradients, rtol=1e-6)


def test_values_are_let_go_when_no_later_step_needs_them(original):
    program = read_program(original[0])
    gone = [name for step in program.steps for name in step.last]
    made = {n for s in program.steps for o in s.outputs for n in ([o] if isinstance(o, str) else o)}
    assert set(gone) | set(program.outputs) >= made


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def pickled(path, whole=True):
    buffer = io.BytesIO()
    torch.save(((Payload(path),), {}) if whole else Payload(path), buffer)
    return buffer.getvalue()


def spring_weight(ran):
    def mark(config):
        payload = config["config"]["head.1.bias"]
        payload["use_pickle"], payload["path_name"] = True, "weight_99"

    return {WEIGHTS: mark, "data/weights/weight_99": pickled(ran, whole=False)}


def spring_constant(ran):
    payload = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": False}
    return {
        CONSTANTS: json.dumps({"config": {"c": {**payload, "tensor_meta": None}}}).encode(),
        "data/constants/opaque_obj_0": pickled(ran, whole=False),
    }


def spring_guards(ran):
    return {GRAPH: lambda p: p["guards_code"].append(f"__import__('os').mkdir({str(ran)!r})")}


def spring_shapes(ran):
    def mark(program):
        [size] = program["graph_module"]["graph"]["sym_int_values"].values()
        size["as_expr"]["expr_str"] = f"__import__('os').mkdir({str(ran)!r})"

    return {GRAPH: mark}


@pytest.mark.parametrize(
    ("spring", "refused"),
    [
        (spring_weight, True),
        (lambda ran: {"data/weights/model.pt": pickled(ran)}, True),
        (spring_constant, True),
        (lambda ran: {"data/constants/model.pt": pickled(ran)}, True),
        (lambda ran: {"data/sample_inputs/model.pt": pickled(ran)}, False),
        (spring_guards, False),
        (spring_shapes, False),
    ],
    ids=["weight", "old-weights", "constant", "old-constants", "sample", "guards", "shapes"],
)
def test_a_trap_that_torch_would_spring_does_not(change, tmp_path, spring, refused):
    ran = tmp_path / "ran"
    path = change(spring(ran))
    if refused:
        with pytest.raises(UntrustedError) as error:
            read_program(path)
        assert "--trust" in error.value.remedy
    else:
        assert len(read_program(path)(X)) == 2  # what would run is not looked at
    assert not ran.exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "spring",
    [
        spring_weight,
        lambda ran: {"data/sample_inputs/model.pt": pickled(ran)},
        spring_guards,
        spring_shapes,
    ],
    ids=["weight", "sample", "guards", "shapes"],
)
def test_these_traps_do_spring_in_torch(change, tmp_path, spring):
    ran = tmp_path / "ran"
    path = change(spring(ran))
    with contextlib.suppress(Exception):  # it runs first
        torch.export.load(path).module()(X)
    assert ran.exists()


def target(name):
    def mark(program):
        program["graph_module"]["graph"]["nodes"][0]["target"] = name

    return mark


def argument(value):
    def mark(program):
        program["graph_module"]["graph"]["nodes"][0]["inputs"][0]["arg"] = value

    return mark


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({GRAPH: target("torch.os.system")}, "asks for torch.os.system"),
        ({GRAPH: target("torch.ops.aten.from_file.default")}, "asks for torch.ops.aten.from_file"),
        ({GRAPH: target("torch.ops.higher_order.cond")}, "asks for torch.ops.higher_order.cond"),
        ({GRAPH: argument({"as_operator": "torch.os.system"})}, "has an argument operator"),
        ({GRAPH: argument({"as_custom_obj": {"name": "o"}})}, "has an argument custom obj"),
        ({"data/aotinductor/model/lib.so": b""}, "holds .*lib.so, which torch.export.load may run"),
        ({"extra/run.py": b""}, r"holds .*run\.py"),
    ],
)
def test_what_it_would_need_trust_for_is_named(change, members, words):
    with pytest.raises(UntrustedError, match=words):
        read_program(change(members))


def test_torch_writes_a_version_that_is_read(original):
    with zipfile.ZipFile(original[0]) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(GRAPH)]
        assert json.loads(archive.read(name))["schema_version"]["major"] in VERSIONS


def version(major, minor):
    def mark(program):
        program["schema_version"] = {"major": major, "minor": minor}
        program["torch_version"] = "2.99.1"

    return mark


def test_a_later_minor_version_says_the_same(change, original):
    program = read_program(change({GRAPH: version(8, 99)}))
    for found, truth in zip(program(X), original[1](X), strict=True):
        assert torch.equal(found, truth)


@pytest.mark.parametrize(("major", "minor"), [(7, 3), (9, 0)])
def test_another_major_version_is_refused_by_name(change, major, minor):
    with pytest.raises(UntrustedError) as error:
        read_program(change({GRAPH: version(major, minor)}))
    assert f"exported by torch 2.99.1, with version {major}.{minor} of" in error.value.what
    assert "again with torch 2.9 to 2.14" in error.value.remedy
    assert "--trust" in error.value.remedy


def extend(value, of_input=False):
    def mark(program):
        node = program["graph_module"]["graph"]["nodes"][0]
        (node["inputs"][0] if of_input else node)["rounding"] = value

    return mark


@pytest.mark.parametrize("of_input", [False, True])
def test_a_field_of_a_later_version_is_refused_where_it_says_something(change, of_input):
    assert len(read_program(change({GRAPH: extend(None, of_input)}))(X)) == 2
    with pytest.raises(UntrustedError, match=r"sets rounding of .* does not know"):
        read_program(change({GRAPH: extend("up", of_input)}))


def rename(program):
    nodes = program["graph_module"]["graph"]["nodes"]
    [conv] = [node for node in nodes if node["target"] == "torch.ops.aten.conv2d.default"]
    conv["outputs"][0]["as_tensor"]["name"] = "other"


def mutate(program):
    spec = {"buffer_mutation": {"arg": {"name": "x"}, "buffer_name": "b"}}
    program["graph_module"]["signature"]["output_specs"].insert(0, spec)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({GRAPH: b"{"}, "does not read as an exported program: JSONDecodeError"),
        ({GRAPH: b"{}"}, "does not read as an exported program: KeyError"),
        ({GRAPH: rename}, "nothing makes conv2d"),
        ({GRAPH: target("torch.ops.aten.relu.nothing")}, "relu.nothing, which torch .* not have"),
        ({GRAPH: mutate}, "changes a buffer as it runs"),
        ({"data/weights/weight_0": b"1234"}, "does not read as an exported program"),
        ({"archive_format": b"pt3"}, "not an exported program of this layout"),
        ({"byteorder": b"big"}, "not an exported program of this layout"),
    ],
)
def test_what_does_not_read_is_told(change, members, words):
    with pytest.raises(ModelError, match=words):
        read_program(change(members))


def test_a_program_that_unpacks_to_more_than_its_size_is_refused(original, tmp_path):
    path = tmp_path / "packed.pt2"
    with (
        zipfile.ZipFile(original[0]) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name) + bytes(9_000) * name.endswith("weight_0"))
    with pytest.raises(ModelError, match="unpacks to more than its size"):
        read_program(path)


def test_weights_that_repeat_their_bytes_without_end_are_refused(change):
    def mark(config):
        meta = config["config"]["head.1.bias"]["tensor_meta"]
        meta["sizes"], meta["strides"] = [{"as_int": 2**40}], [{"as_int": 0}]

    with pytest.raises(ModelError, match="weights of over 16 times its size"):
        read_program(change({WEIGHTS: mark}))


def test_a_tensor_cannot_reach_outside_its_bytes(change):
    def mark(config):
        config["config"]["head.1.bias"]["tensor_meta"]["sizes"] = [{"as_int": 100000}]

    with pytest.raises(ModelError, match="does not read as an exported program: RuntimeError"):
        read_program(change({WEIGHTS: mark}))


def test_two_members_of_one_name_are_refused(original, tmp_path):
    path = tmp_path / "two.pt2"
    path.write_bytes(original[0].read_bytes())
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr(archive.namelist()[0], b"")
    with pytest.raises(UntrustedError, match="two members of one name"):
        read_program(path)
