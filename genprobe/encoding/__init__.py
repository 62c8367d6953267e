"""From a model and data to a store: every call of a user's model is made here."""
