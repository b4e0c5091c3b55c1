"""Emulator of the provider `aws`: resources in moto's API and a file of records, with AWS's ids, rules and errors."""
