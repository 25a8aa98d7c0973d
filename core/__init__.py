"""What the product does, without any screen: operations, rules, history, doors."""
