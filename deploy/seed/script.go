package main

import (
	"time"

	"github.com/google/uuid"
)

// person is one of the demo people of an app.
type person struct{ id, name string }

var (
	ada  = person{"ada-nowak", "Ada Nowak"}
	jon  = person{"jon-park", "Jon Park"}
	sara = person{"sara-lind", "Sara Lind"}
	mia  = person{"mia-weber", "Mia Weber"}
	tom  = person{"tom-berg", "Tom Berg"}
)

// fixed returns an id or a key for something that the script names: always the same one.
func fixed(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://countersign.example/seed/"+name)).String()
}

type product struct {
	sku, name string
	cents     int64
}

// products are added in this order: the first one shows that this program has begun.
var products = []product{
	{"CEM-25", "Cement, 25 kg", 7_90},
	{"SND-T", "Sand, by the tonne", 38_00},
	{"BRK-100", "Bricks, pallet of 100", 86_00},
	{"TMB-4", "Timber beam, 4 m", 24_50},
	{"INS-P", "Insulation panel", 18_20},
	{"PLB-12", "Plasterboard, 12.5 mm", 9_80},
	{"TIL-M2", "Floor tiles, square metre", 32_00},
	{"GRT-5", "Grout, 5 kg", 14_08},
	{"PNT-10", "Wall paint, white, 10 l", 49_00},
	{"CAB-50", "Cable drum, 50 m", 64_00},
	{"SCF-W", "Scaffold hire, week", 745_00},
	{"CRN-D", "Crane hire, day", 1_180_00},
}

type customer struct{ name, email string }

var customers = []customer{
	{"Brandt & Sons", "office@brandt-sons.example"},
	{"Harbour View Hotel", "facilities@harbourview.example"},
	{"Linden School", "caretaker@linden-school.example"},
	{"Meyer family", "k.meyer@mail.example"},
	{"Northside Clinic", "building@northside-clinic.example"},
	{"Riverside Housing", "projects@riverside-housing.example"},
}

// order is one to be built.
type order struct {
	name     string
	by       person
	customer string
	lines    []line
	discount int64 // basis points, which Mia sets
	submit   bool
	lives    time.Duration // how long it waits for its payment; 0 is as configured
	then     func(*scene)  // once it is submitted
}

type line struct {
	sku      string
	quantity int64
}

// shortLife is how long one order waits for its payment, so that people see it expire.
const shortLife = 2 * time.Minute

// orders are one or more in every state. The last one shows that the script was played to its end.
var orders = []order{
	{name: "facade", by: jon, customer: "Riverside Housing", lines: []line{{"SCF-W", 3}, {"PNT-10", 12}}, discount: 500},
	{name: "garden wall", by: sara, customer: "Meyer family", lines: []line{{"BRK-100", 4}, {"CEM-25", 20}}, submit: true},
	{name: "classrooms", by: ada, customer: "Linden School", lines: []line{{"PNT-10", 8}, {"PLB-12", 30}}, submit: true, then: requested},
	{name: "kitchen", by: ada, customer: "Brandt & Sons", lines: []line{{"TIL-M2", 22}, {"CAB-50", 2}}, discount: 1000, submit: true, then: paid},
	{name: "wards", by: sara, customer: "Northside Clinic", lines: []line{{"INS-P", 60}, {"TMB-4", 18}}, submit: true, then: rejectedOnce},
	{name: "terrace", by: jon, customer: "Harbour View Hotel", lines: []line{{"SND-T", 6}, {"BRK-100", 9}}, submit: true, then: cancelledBefore},
	{name: "lobby", by: jon, customer: "Harbour View Hotel", lines: []line{{"TIL-M2", 40}}, submit: true, then: expiredOnHold},
	{name: "roof", by: sara, customer: "Riverside Housing", lines: []line{{"CRN-D", 2}, {"TMB-4", 40}}, submit: true, then: withdrawnAndCancelled},
	{name: "cloakroom", by: ada, customer: "Linden School", lines: []line{{"GRT-5", 1}, {"TIL-M2", 5}}, submit: true, then: cancelledWhileCapturing},
	{name: "crane", by: ada, customer: "Riverside Housing", lines: []line{{"CRN-D", 1}}, submit: true, lives: shortLife, then: onHold},
	{name: "bathroom", by: ada, lines: []line{{"TIL-M2", 14}, {"PLB-12", 6}}},
}

// The choices of the field "Capture".
const (
	automatic = "automatic"
	manual    = "manual"
)

// request is a payment for no order.
type request struct {
	name            string
	by              person
	amount, capture string
	then            func(*scene)
}

// payments are one or more in every state that an order does not bring about.
var payments = []request{
	{"Scaffolding, week 46", sara, "2980.00", automatic, acceptedByMia},
	{"Paint, invoice 7781", sara, "742.01", automatic, acceptedByTom}, // declined
	{"Site lamps", jon, "96.00", automatic, rejected},
	{"Deposit for the crane", ada, "1875.50", manual, acceptedByMia},
	{"Cable drums", ada, "420.00", automatic, acceptedByTom},
	{"Parking at the site", ada, "58.20", automatic, withdrawn},
	{"Deposit for the hall", jon, "1240.00", manual, released},
	{"Van rental, November", jon, "310.40", automatic, nil},
	{"Kitchen fitting, second instalment", ada, "1250.00", automatic, nil},
}
