#--- alone
setting "x" { type = "text" }
