"""Photo avatars: one picture of a person, fitted once and bent by a mesh."""
