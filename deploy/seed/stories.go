package main

// requested leaves its payment to the managers.
func requested(s *scene) { s.pay(1, automatic) }

func paid(s *scene) {
	s.pay(1, automatic)
	s.accept(mia)
	s.reach("paid")
}

// rejectedOnce is paid by the second payment.
func rejectedOnce(s *scene) {
	s.pay(1, automatic)
	s.reject(tom, "Please say which ward this is for.")
	s.pay(2, automatic)
	s.accept(mia)
	s.reach("paid")
}

// cancelledBefore takes its payment with it before a manager has looked at it.
func cancelledBefore(s *scene) {
	s.pay(1, automatic)
	s.cancel(jon, "The hotel has postponed the terrace.")
}

// expiredOnHold lets the money go that was on hold for it.
func expiredOnHold(s *scene) {
	onHold(s)
	s.expire(tom)
}

func onHold(s *scene) {
	s.pay(1, manual)
	s.accept(mia)
	s.awaitHold(mia)
}

func withdrawnAndCancelled(s *scene) {
	s.pay(1, automatic)
	s.withdraw()
	s.cancel(mia, "The roof is done by somebody else.")
}

// cancelledWhileCapturing ends with a refund: the total ends in 08, so the gateway captures and does not
// answer for a while, and meanwhile the order is cancelled.
func cancelledWhileCapturing(s *scene) {
	onHold(s)
	s.press(mia, "Capture")
	s.cancel(ada, "The tiles have cracks.")
}

func acceptedByMia(s *scene) { s.accept(mia) }

func acceptedByTom(s *scene) { s.accept(tom) }

func rejected(s *scene) { s.reject(mia, "There is no invoice for this.") }

func withdrawn(s *scene) { s.withdraw() }

func released(s *scene) {
	s.accept(mia)
	s.awaitHold(mia)
	s.press(mia, "Release", "Reason to release", "The hall was not rented.")
}
