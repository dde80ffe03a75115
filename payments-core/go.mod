module countersign.example/payments-core

go 1.26.0
