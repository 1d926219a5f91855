"""What every API endpoint is built of: strict bodies, problem answers, pages, filters, the schema. Knows no app."""
