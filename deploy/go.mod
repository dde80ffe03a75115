module countersign.example/deploy

go 1.26.0

replace countersign.example/pkg => ../pkg

require (
	countersign.example/pkg v0.0.0
	github.com/compose-spec/compose-go/v2 v2.16.2
	github.com/jackc/pgx/v5 v5.12.0
	github.com/segmentio/kafka-go v0.4.51
	golang.org/x/sync v0.24.0
)
