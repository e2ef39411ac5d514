"""The product, one verb a file. The command, the endpoint and the job of that name call it and add nothing."""
