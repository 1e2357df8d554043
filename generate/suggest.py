def suggested(path):
    return ""
