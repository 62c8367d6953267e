import click

from genprobe.cli import main


def test_they_stand_under_a_heading_of_their_own():
    group = click.Context(main, **main.context_settings)
    command = main.get_command(group, "evaluate")
    named = {p.name for p in command.params if getattr(p, "group", "") == "Inference"}
    assert named == {"inference", "simulate", "max_steps", "decoder_curve"}


def test_they_reach_the_evaluation():
    group = click.Context(main, **main.context_settings)
    given = [
        "m.pt",
        "--inference",
        "1e2",
        "--simulate",
        "9",
        "--max-steps",
        "64",
        "--decoder-curve",
    ]
    found = main.get_command(group, "evaluate").make_context("evaluate", given, parent=group).params
    assert (found["inference"], found["simulate"], found["max_steps"]) == (100, 9, 64)
    assert found["decoder_curve"] is True
