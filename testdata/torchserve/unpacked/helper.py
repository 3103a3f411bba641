def scale(rows):
    return [str(row) for row in rows]
