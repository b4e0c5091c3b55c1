"""Tests of requests. A package, so that its fixture of that scope ends with its last test."""
