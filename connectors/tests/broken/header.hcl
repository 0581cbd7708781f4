# in base
  headers = { accept = "application/json" }
# becomes
  headers = { Authorization = "Bearer x" }
