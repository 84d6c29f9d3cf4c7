module gosan/bench

go 1.19
