module countersign.example/test

go 1.26.0
