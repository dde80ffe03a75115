module countersign.example/manager-ui

go 1.26.0
