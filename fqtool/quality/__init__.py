"""What is computed: Registry in, Table and Query out."""
