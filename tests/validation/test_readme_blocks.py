from validation.readme import comparison, replaced


def test_a_block_is_replaced_between_its_marks_and_nothing_else():
    text = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n"
    assert replaced(text, "one", "new \\1\n") == (
        "a\n<!-- one -->\n```text\nnew \\1\n```\n<!-- /one -->\nb\n"
    )
    assert replaced(text, "two", "new") == text


def test_the_comparison_is_what_follows_the_models_up_to_the_warnings():
    output = "beta-6 on digits\n! saturated\n\n4 models on digits: N\nrow\n\n! saturated: two\n"
    assert comparison(output) == "4 models on digits: N\nrow\n"
