module countersign.example/payments-core

go 1.26.0

require (
	countersign.example/pkg v0.0.0
	github.com/google/uuid v1.6.0
)

require (
	github.com/bojanz/currency v1.4.2 // indirect
	github.com/cockroachdb/apd/v3 v3.2.1 // indirect
)

replace countersign.example/pkg => ../pkg
