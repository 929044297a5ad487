"""What models cost: rates, standard prices, price cards, cost and comparison. Pure functions over rows."""
