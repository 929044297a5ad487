"""The commands of `modelmeta`: one module for each group of commands."""
