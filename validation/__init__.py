"""The audit: how often each error of each estimate holds what it should, case by case."""
