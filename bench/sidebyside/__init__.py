"""What ../shared/tools/sidebyside runs in place of the checkout: see bench/README.md."""
