"""What the starter profile needs, packaged: avatar, knowledge file, sample questions."""
