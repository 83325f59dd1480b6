MACRO with_tax(amount) AS (@amount) * (100 + @tax_percent) / 100;
