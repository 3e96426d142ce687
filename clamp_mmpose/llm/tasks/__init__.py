"""What language models write about images: a request for each image, its answer as a value, and the files."""
