"""One module per outside thing: kinds of site, kinds of dataset, tools."""
