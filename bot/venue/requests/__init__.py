"""What is sent to each exchange: endpoints with their parameters, built from orders."""
