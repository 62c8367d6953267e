from validation.readme import comparison, replaced


def test_a_block_is_replaced_between_its_marks_and_nothing_else():
    text = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n"
    assert replaced(text, "one", "new \\1\n") == (
        "a\n<!-- one -->\n```text\nnew \\1\n```\n<!-- /one -->\nb\n"
    )
    assert replaced(text, "two", "new") == text


def test_the_comparison_is_its_verdict_and_its_table():
    shown = "4 models on digits: N\nShip one.\n\nmodel  R  D\nbeta-6  0  24"
    output = f"beta-6 on digits\n  R  0\n\n{shown}\n\n* the best.\n\n! saturated"
    assert comparison(output) == shown
