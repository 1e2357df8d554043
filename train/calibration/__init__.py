"""From a ranking to money: levels, intervals, and the doubt in totals."""
