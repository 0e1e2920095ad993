"""Parts of the reference that are made from the code: one function a page, which returns Markdown."""
