"""What very many edits cost, on paper: outlook (the sums), measured (the engine), command."""
