tenant "globex" { principal = "svc" }
