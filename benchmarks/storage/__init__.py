"""Star tables against nested orders: the bytes and the time that each question of gold reads from either."""
