"""How things are shown: values, times and blocks, as text, as HTML and as Markdown."""
