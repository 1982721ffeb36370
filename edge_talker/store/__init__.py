"""The local store of models and avatars, where everything is verified before it is used."""
