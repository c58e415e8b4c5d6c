"""Live documentation: snippets that tests run and readers run in the browser."""
