"""HTTP and WebSocket: the only place that imports FastAPI and uvicorn."""
