"""The commands of `modelmeta`: one module for each errand."""
