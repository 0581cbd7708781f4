layering { country = "contry" }
