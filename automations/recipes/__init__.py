"""The rules that are shipped with the product: JSON files here, one a rule, in the shape that the API speaks.

A file is a rule on the wire (slug, name, description, trigger_event, …, settings) with keys of its own: `order`, where
it stands in lists; `needs`, what it names by slug and how to make it where the clinic has none; `scenarios`, stories
with a known end (scenarios.py), played before anything is installed. A `text` may be a list of paragraphs, and a need
that another recipe describes is {"slug": …, "as_in": that recipe}.
"""

from automations.recipes.installing import Installed, install, install_all, set_up
from automations.recipes.shelf import Recipe, recipe, recipes, slugs

__all__ = ["Installed", "Recipe", "install", "install_all", "recipe", "recipes", "set_up", "slugs"]
