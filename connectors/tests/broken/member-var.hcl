# in base
  headers = { accept = "application/json" }
# becomes
  headers = { accept = "application/json", x-region = var.reigon }
