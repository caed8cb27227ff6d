"""From a feed on the bus to the frames of one connection. Knows neither FastAPI nor any driver."""
