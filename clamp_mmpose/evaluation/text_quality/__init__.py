"""How good written texts are: readability, diversity, repetition, agreement with the image (FocusCLIP, Table 3)."""
