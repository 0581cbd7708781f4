setting "motd" { type = "string" }
setting "size" { type = "number" }
