"""Request and response schemas, as the API documentation shows them."""
