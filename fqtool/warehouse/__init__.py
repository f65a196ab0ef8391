"""The only package that accesses warehouses and files."""
