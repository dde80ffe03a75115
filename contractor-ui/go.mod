module countersign.example/contractor-ui

go 1.26.0
