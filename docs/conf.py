"""How the documentation is built: ``make docs``, into build/docs. Nothing is fetched."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

from ecgcli import __version__  # noqa: E402

project = "ecg"
author = "the authors of ecg"
project_copyright = author
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "package",
]
exclude_patterns = ["_ext"]

html_theme = "furo"
html_title = f"ecg {release}"
html_static_path = ["_static"]
html_css_files = ["ecg.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

smartquotes = False  # --out is not –out

# Headings down to the third level can be linked to, by the names that GitHub gives them.
myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "fieldlist", "colon_fence"]

# `name` in a docstring is a link where it is an object of the package, and code elsewhere.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "exclude-members": "__new__, __init__, model_config"}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_attr_annotations = False  # the signature has the types

# `Run` in a docstring is the nearest of two classes of this name.
suppress_warnings = ["ref.python"]
