"""The Textual app: screens, widgets, styles, key bindings. No rule of the product lives here."""
